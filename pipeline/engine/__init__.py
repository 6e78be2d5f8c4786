"""The engine: our Brian2 device, the program that it generates, and that program's inputs and recordings."""
