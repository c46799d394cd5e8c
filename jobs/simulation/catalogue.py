"""The names in a simulated log: categories, event kinds, markets, devices."""

from __future__ import annotations

CATEGORIES = (
    *("sports", "news", "music", "movies", "gaming", "travel", "food", "fashion"),
    *("beauty", "fitness", "finance", "crypto", "cars", "garden", "pets", "kids"),
    *("books", "art", "science", "weather", "dating", "deals", "jobs", "photo"),
)
"""Campaign categories, the popular ones first; the numbers of users' interests are positions in it, from 0."""

VERBS = (
    *("view", "search", "like", "share", "save", "comment", "follow", "filter"),
    *("read", "play", "rate", "compare", "subscribe", "download", "order", "invite"),
)

GENERAL_EVENTS = (
    *("app_open", "home_view", "feed_scroll", "menu_open", "profile_view", "inbox_view", "help_view", "login"),
    *(
        "logout",
        "settings_view",
        "privacy_view",
        "language_change",
        "theme_change",
        "update_check",
        "cart_view",
        "app_rate",
    ),
)
"""Kinds that everyone makes, the first ones most."""

EVENT_NAMES = (*(f"{category}_{verb}" for category in CATEGORIES for verb in VERBS), *GENERAL_EVENTS)
"""All 400 kinds: that of category c and verb v is at position ``c * len(VERBS) + v``; the general ones come last."""

MARKETS = {
    "US/en/America/New_York": 16,
    "US/en/America/Chicago": 9,
    "US/en/America/Los_Angeles": 11,
    "BR/pt/America/Sao_Paulo": 9,
    "MX/es/America/Mexico_City": 6,
    "GB/en/Europe/London": 9,
    "DE/de/Europe/Berlin": 9,
    "FR/fr/Europe/Paris": 7,
    "ES/es/Europe/Madrid": 5,
    "PL/pl/Europe/Warsaw": 4,
    "IN/en/Asia/Kolkata": 8,
    "JP/ja/Asia/Tokyo": 5,
    "AU/en/Australia/Sydney": 2,
}
"""Country, language and IANA time zone, with their weights."""

PEAK_HOURS = {"8": 2, "12": 1, "18": 2, "20": 4, "22": 2}
"""Local hours about which users' personal peak hours lie, with their weights."""

ANDROID_BRANDS = {"Samsung": 5, "Xiaomi": 3, "Google": 1, "Motorola": 1}
"""Brands of Android devices, with their weights."""

NEWEST_MODELS = {
    "Apple": ("iPhone ", 17),
    "Samsung": ("Galaxy S", 25),
    "Xiaomi": ("Redmi Note ", 15),
    "Google": ("Pixel ", 10),
    "Motorola": ("Edge ", 60),
}
"""Name and number of each brand's newest model; the number falls by one for each year of age."""

NEWEST_OS = {"ios": 26, "android": 16}
"""Newest major version of each platform; it falls by one for each year of age beyond two."""
