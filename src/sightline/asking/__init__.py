"""Asking: what a question wants, where to look for it, what was found there, and what a reader made of it.

question ─▶ places ──▶ evidence ─▶ a reader ──▶ citing ──▶ checking
kind,       stretches   exhibits,   words,       numbers    does the answer
statements, by order    numbered    comparing,   become     rest on them?
order                   by time     built-in, …  seconds
               ▲
             memory: what was looked at finer, within the seconds of work (`eyes` look)
"""
