"""Hand-made page sources of phones and Windows: two screens of an invented app on each platform."""
