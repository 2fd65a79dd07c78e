"""Asking: what a question wants, where to look for it, what was found there, and what a reader made of it.

question ─▶ places ─▶ evidence ─▶ fence ─▶ a reader ─▶ citing ─▶ checking
kind,       stretches   exhibits,  words     words,      numbers    does the answer
statements, by order    numbered   stay      comparing,  become     rest on them?
order       words       by time    data      built-in    seconds
"""
