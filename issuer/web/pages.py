"""The pages of the issuer."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
