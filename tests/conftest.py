import os

# Read when huggingface_hub is imported: no test waits for a hub that it cannot reach.
os.environ["HF_HUB_OFFLINE"] = "1"
