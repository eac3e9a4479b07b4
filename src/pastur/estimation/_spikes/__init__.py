"""From outliers back to spikes."""
