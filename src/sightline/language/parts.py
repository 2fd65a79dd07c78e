"""The learned language parts by name; naming one imports nothing."""

LANGUAGE_PARTS: dict[str, str] = {
    "tokenizer": "sightline.language.tokenizer:Tokenizer",
    "tiny_lm": "sightline.language.tiny_lm:TinyLM",
    "judge": "sightline.language.judge:Judge",
    "context_extension": "sightline.language.context_extension:StretchedPlaces",
    "generate": "sightline.language.generate:generate",
}
