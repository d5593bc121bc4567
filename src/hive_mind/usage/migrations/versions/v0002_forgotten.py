"""What was forgotten stays forgotten; a sighting says which version answered; requests keep their id."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the table and the columns; interactions of before have no request id."""
    op.create_table(
        "forgotten",
        sa.Column("identity", sa.String(32), primary_key=True),
        sa.Column("time", sa.String(20), nullable=False),
    )
    op.add_column("sightings", sa.Column("version", sa.Text))
    op.add_column("sightings", sa.Column("latency_ms", sa.Float))
    op.add_column("interactions", sa.Column("request_id", sa.Text, nullable=False, server_default=""))
