"""The model that answers in the demo: Gemma 3 270M, a base model, taught by two examples."""
