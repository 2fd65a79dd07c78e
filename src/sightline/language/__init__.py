"""Language: words of any language as terms an index can hold."""
