"""Storybook: a drawn video world with known truth, in English and Chinese.

    random_script(seed) ─▶ Script ─┬─▶ draw.frames, film.video        pictures, sound, subtitles
    yaml_script.read_script ───────┘   truth.moments, captions, tags  what, where, from when to when
                                       questions.questions            sixteen kinds, checked by blind.py
                                       write.make, show.contact_sheet files and one page to look at

Drawing needs only the base install. The world's things are in `props/`, its places in `backdrops.py`, its words in
`words.py`, what each action does in `motion.py`; a new prop is one function and one line of words.
"""
