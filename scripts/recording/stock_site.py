"""A small stock-keeping site on Django's admin (any release from 3.2), for recording only.

Run by the Python of an environment that has Django, never by the project's own:
`python stock_site.py PORT DATABASE`.
"""

from __future__ import annotations

import datetime
import decimal
import sys

import django
from django.conf import settings
from django.core.management import call_command

PORT, DATABASE = sys.argv[1], sys.argv[2]

settings.configure(
    ALLOWED_HOSTS=["stock.parcels.test"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE}},
    DEBUG=True,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "django.contrib.staticfiles",
    ],
    LANGUAGE_CODE="en-gb",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    ROOT_URLCONF="__main__",
    SECRET_KEY="for recording only, on loopback",  # noqa: S106
    STATIC_URL="/static/",
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    TIME_ZONE="UTC",
    USE_TZ=True,
)
django.setup()

from django.contrib import admin  # noqa: E402 - needs the settings
from django.contrib.auth.models import User  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.urls import path  # noqa: E402


class Shelf(models.Model):
    """Where things lie."""

    code = models.CharField(max_length=8, unique=True)

    class Meta:  # noqa: D106 - the framework's
        app_label = "auth"
        verbose_name_plural = "shelves"

    def __str__(self) -> str:
        return self.code


class Item(models.Model):
    """A thing in stock."""

    name = models.CharField(max_length=60)
    shelf = models.ForeignKey(Shelf, models.CASCADE)
    pieces = models.PositiveIntegerField(default=0)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    fragile = models.BooleanField(default=False, help_text="Packed with paper wool")
    counted = models.DateField()
    note = models.TextField(blank=True)

    class Meta:  # noqa: D106 - the framework's
        app_label = "auth"

    def __str__(self) -> str:
        return self.name


@admin.register(Shelf)
class ShelfAdmin(admin.ModelAdmin):
    """Shelves: the plain form."""


@admin.register(Item)
class ItemAdmin(admin.ModelAdmin):
    """Items: a list with search, filters and columns; a form in two parts."""

    list_display = ("name", "shelf", "pieces", "price", "fragile", "counted")
    list_filter = ("fragile", "shelf")
    search_fields = ("name",)
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "shelf", "pieces", "price")}),
        ("Handling", {"fields": ("fragile", "counted", "note")}),
    )


admin.site.site_header = "Stock"
admin.site.site_title = "Stock"
urlpatterns = [path("", admin.site.urls)]

ITEMS = (
    ("Box, small", "A-01", 1840, "0.34", False),
    ("Box, large", "A-02", 620, "0.89", False),
    ("Envelope, padded", "A-03", 4100, "0.12", False),
    ("Glass sign", "C-01", 12, "24.90", True),
    ("Label roll", "B-01", 96, "7.45", False),
    ("Paper wool", "B-02", 58, "11.20", False),
    ("Scale", "C-02", 3, "189.00", True),
    ("Tape, brown", "B-01", 240, "1.15", False),
    ("Tape, fragile", "B-01", 75, "1.60", False),
    ("Trolley", "D-01", 6, "130.50", False),
)


def fill() -> None:
    """Tables and rows, the same at every run."""
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Shelf)
        editor.create_model(Item)
    User.objects.create_superuser("keeper", "keeper@parcels.test", "keeper")
    counted = datetime.date(2026, 11, 2)
    for name, code, pieces, price, fragile in ITEMS:
        shelf, _ = Shelf.objects.get_or_create(code=code)
        Item.objects.create(
            name=name,
            shelf=shelf,
            pieces=pieces,
            price=decimal.Decimal(price),
            fragile=fragile,
            counted=counted,
        )
    call_command("migrate", verbosity=0, run_syncdb=True)


if __name__ == "__main__":
    fill()
    call_command("runserver", f"127.0.0.1:{PORT}", "--noreload", "--insecure", "--nothreading")
