"""The learned encoders by name; naming one imports nothing."""

ENCODER_PARTS: dict[str, str] = {
    "image": "sightline.encoders.image:ImageEncoder",
    "text": "sightline.encoders.text:TextEncoder",
    "audio": "sightline.encoders.audio:AudioEncoder",
    "crops": "sightline.encoders.crops:CropEncoder",
    "bind": "sightline.encoders.bind:Binding",
    "prompts": "sightline.encoders.prompts:LearnedPrompts",
    "progressive": "sightline.encoders.progressive:ProgressiveEncoder",
    "difference": "sightline.encoders.difference:DifferenceBlock",
    "shared_centres": "sightline.encoders.shared_centres:SharedCentres",
    "one_frame": "sightline.encoders.frame_pooling:OneFrame",
    "mean": "sightline.encoders.frame_pooling:Mean",
    "k_means": "sightline.encoders.frame_pooling:KMeans",
    "learned_weights": "sightline.encoders.frame_pooling:LearnedWeights",
    "question_weights": "sightline.encoders.frame_pooling:QuestionWeights",
    "temporal_transformer": "sightline.encoders.frame_pooling:TemporalTransformer",
    "mamba": "sightline.encoders.frame_pooling:Mamba",
}
