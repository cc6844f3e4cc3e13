"""Views: pure functions from records to text and HTML, shared by the doors."""
