"""What would a provider do? It answers what a scene says, in any of five dialects, and is strict about what it gets."""
