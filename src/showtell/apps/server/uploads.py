"""Pictures out of a request's body, within limits, in memory alone."""

from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from showtell.apps.server.problems import Refusal
from showtell.apps.server.protection import Limits

__all__ = ["Upload", "form_schema", "read_form"]


@dataclass(frozen=True, slots=True)
class Upload:
    """A form: its pictures, and its other fields.

    Attributes:
        names: of the pictures' files, as the sender calls them.
        pictures: their bytes.
        fields: the other fields.
    """

    names: list[str]
    pictures: list[bytes] = field(repr=False)
    fields: dict[str, str]

    def only(self) -> bytes:
        """The form's only picture.

        Raises:
            Refusal: there are several.
        """
        if len(self.pictures) > 1:
            raise Refusal(422, "bad-request", "picture: one is asked for, and there are several")
        return self.pictures[0]


async def read_form(request: Request, limits: Limits) -> Upload:
    """Read a form with pictures.

    Raises:
        Refusal: it is no form, or too large, or has no pictures or too many.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise Refusal(415, "media-type", "pictures are sent as multipart/form-data")
    parser = MultiPartParser(
        request.headers, request.stream(), max_files=limits.pictures, max_fields=16, max_part_size=10_000
    )
    parser.spool_max_size = limits.body_bytes + 1  # nothing is written to the disk
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeError) as error:
        reason = error.message if isinstance(error, MultiPartException) else "it is broken"
        if "Too many files" in reason:
            raise Refusal(413, "too-many", f"a request may have {limits.pictures} pictures") from error
        raise Refusal(422, "bad-request", f"the form cannot be read: {reason.rstrip('.')}") from error
    names: list[str] = []
    pictures: list[bytes] = []
    fields: dict[str, str] = {}
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                if (value.size or 0) > limits.picture_bytes:
                    raise Refusal(413, "too-large", f"a picture may have {limits.picture_bytes:,} bytes")
                names.append(value.filename or name)
                pictures.append(await value.read())
            elif name in ("picture", "pictures"):
                raise Refusal(422, "bad-request", f"{name}: send it as a file")
            elif name in fields:
                raise Refusal(422, "bad-request", f"{name}: is given twice")
            else:
                fields[name] = value
    finally:
        await form.close()
    if not pictures:
        raise Refusal(422, "bad-request", "pictures: there is none in the form")
    return Upload(names, pictures, fields)


def form_schema(pictures: str, **fields: dict[str, object]) -> dict[str, object]:
    """How OpenAPI describes such a form.

    Args:
        pictures: the field's name: ``picture`` for one, ``pictures`` for many.
        **fields: the schemas of the other fields.
    """
    one: dict[str, object] = {"type": "string", "format": "binary", "contentMediaType": "image/*"}
    many: dict[str, object] = {"type": "array", "items": one, "minItems": 1}
    schema = {
        "type": "object",
        "required": [pictures],
        "properties": {pictures: many if pictures == "pictures" else one, **fields},
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}
