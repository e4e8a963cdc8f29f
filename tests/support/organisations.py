"""Organisations with members, for tests."""

from allauth.account.models import EmailAddress
from django.contrib.auth.models import User

from conversations.domain.enums import Role
from conversations.models import Membership, Organisation


def organisation(name: str = "Tarnwick Capital", **members: User) -> Organisation:
    """An organisation; each member is given as role=person."""
    made = Organisation.objects.create(name=name)
    for role, person in members.items():
        join(made, person, Role(role))
    return made


def join(organisation: Organisation, person: User, role: Role = Role.MEMBER) -> Membership:
    return Membership.objects.create(organisation=organisation, person=person, role=role)


def confirm_address(person: User) -> None:
    """Their mail address is a confirmed one."""
    EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
