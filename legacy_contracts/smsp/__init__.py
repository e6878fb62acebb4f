"""SMSP: the Spine mini services for demographics, from payload to payload."""
