"""How the store's tables came to be, one file a step, run by alembic when a store is opened."""
