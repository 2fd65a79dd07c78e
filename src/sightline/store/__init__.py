"""Store: the library on disk; a row counts only when the ledger says so."""
