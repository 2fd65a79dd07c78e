"""Any model behind an OpenAI-compatible address as a reader: `open_served("openai:MODEL@http://host:port/v1")`."""

from sightline.language.served.reader import ServedReader, open_served

__all__ = ["ServedReader", "open_served"]
