"""The methods: for each matrix, the choices from its full size down."""
