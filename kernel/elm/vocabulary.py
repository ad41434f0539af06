"""Countries and languages as EU Vocabularies name them. Publications Office authority tables `country`, `language`.

Of each table the codes that our users meet: the European countries and languages, and the neighbours' that the
CV pages know. Others keep their own code as the concept's notation.
"""

from collections.abc import Mapping
from typing import Final

_AUTHORITY: Final = "http://publications.europa.eu/resource/authority"
COUNTRY: Final = f"{_AUTHORITY}/country/"
LANGUAGE: Final = f"{_AUTHORITY}/language/"
FILE_TYPE: Final = f"{_AUTHORITY}/file-type/"
BASE64: Final = "http://data.europa.eu/snb/encoding/6146cde7dd"
GENERIC: Final = "http://data.europa.eu/snb/credential/e34929035b"
PROGRAMME_QUALITY: Final = "http://data.europa.eu/snb/accreditation/820101cba6"

_COUNTRIES: Final = (
    "AT AUT,BE BEL,BG BGR,CH CHE,CY CYP,CZ CZE,DE DEU,DK DNK,EE EST,ES ESP,FI FIN,FR FRA,GB GBR,GR GRC,HR HRV,HU HUN,"
    "IE IRL,IS ISL,IT ITA,LI LIE,LT LTU,LU LUX,LV LVA,MT MLT,NL NLD,NO NOR,PL POL,PT PRT,RO ROU,SE SWE,SI SVN,SK SVK,"
    "TR TUR,UA UKR,US USA"
)
_LANGUAGES: Final = (
    "ar ARA,bg BUL,cs CES,da DAN,de DEU,el ELL,en ENG,es SPA,et EST,fi FIN,fr FRA,fy FRY,ga GLE,hr HRV,hu HUN,it ITA,"
    "lt LIT,lv LAV,mt MLT,nl NLD,pl POL,pt POR,ro RON,sk SLK,sl SLV,sv SWE,tr TUR,uk UKR"
)


def _read_pairs(pairs: str) -> dict[str, str]:
    return {pair[:2]: pair[3:] for pair in pairs.split(",")}


COUNTRIES: Final[Mapping[str, str]] = _read_pairs(_COUNTRIES)
LANGUAGES: Final[Mapping[str, str]] = _read_pairs(_LANGUAGES)
COUNTRIES_BY_ALPHA_3: Final = {alpha_3: alpha_2 for alpha_2, alpha_3 in COUNTRIES.items()}
LANGUAGES_BY_ALPHA_3: Final = {alpha_3: alpha_2 for alpha_2, alpha_3 in LANGUAGES.items()}
# Image types that a badge has, by their name in the authority table.
FILE_TYPES: Final[Mapping[str, str]] = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/svg+xml": "SVG",
    "image/gif": "GIF",
}
