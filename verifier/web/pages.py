"""Placeholder while being written."""

from fastapi import APIRouter

from runtime.web.pages import Pages


def create_router(pages: Pages) -> APIRouter:
    return APIRouter()
