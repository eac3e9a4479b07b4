"""The publications, with what each is used for."""
