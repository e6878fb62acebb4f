"""GP2GP: the transfer of a patient's whole record from one practice to another."""
