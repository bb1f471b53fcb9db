"""The currencies that a sale may be in: the alphabetic codes of ISO 4217."""

from __future__ import annotations

from typing import Final

__all__ = ["CURRENCIES"]

# Source: lists one and three of the maintenance agency of ISO 4217 (SIX), as of January
# 2026; without metals, bond units, and the codes for tests and for no currency.
ACTIVE: Final = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP
BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN
ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK
JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD
MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP
PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP
SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV
WST XAD XAF XCD XCG XDR XOF XPF XSU XUA YER ZAR ZMW ZWG
"""

# Years of sales may go back to before these were given up.
WITHDRAWN_SINCE_2012: Final = """
ANG BGN BYR CUC HRK LTL LVL MRO SLL STD USS VEF ZMK ZWL
"""

CURRENCIES: Final = frozenset(f"{ACTIVE} {WITHDRAWN_SINCE_2012}".split())
"""Codes in upper case: those in use, and those that were withdrawn since 2012."""
