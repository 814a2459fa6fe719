"""English that changes an answer, or does not: opposites, synonyms, who is meant, filler.

Written by hand from general knowledge of questions put to shops, banks, offices and software. Words
are in the shape `ragthrift.lexical.words` gives them once `stem` below has been applied.
"""


def _terms(text: str) -> frozenset[str]:
    return frozenset(text.split())


FILLER = _terms(
    """a an the and or of in at by as be is am are was were been being do does doe did but because
    done can could would should will shall may might must have has had having i me my mine we
    us our ours you your yours it its this that these those there here so then than to for
    from with on into about if please thank thanks many hi hello hey sorry quick question
    silly bother wonder wondering just also any some what which who whom whose when where why
    how way best know tell need want like get got go let say thing possible really very much
    s t d ll re ve m ok okay possibly able kindly help try trying anyone someone something
    somewhere anything everything actually exactly currently well um uh er erm hmm yeah yep
    oh needed needs available time take use using obtain request requesting i'm i'd i've i'll
    you're you'd we're it's that's there's he she they them their him her one ones again even
    still too now process method explain"""
)
"""Words that carry no topic: left out when the words of two questions are matched."""

NEGATORS = _terms("""not never no none nothing neither nor cannot without nobody nowhere""")
"""Words that turn a statement round; `n't` is found in the text itself."""

OPPOSITES = """
open opened:closed close shut
allow allowed permit permitted permissible accept accepted ok legal approved:ban banned forbid
 forbidden prohibit prohibited refuse refused reject rejected disallow disallowed illegal
enable activate activated turn_on switch_on enabled:disable deactivate turn_off switch_off disabled
buy purchase buying:sell sale selling sold
add adding added include included including grant invite:remove removing removed delete exclude
 excluded excluding revoke kick uninstall
increase increasing raise raised higher more rise above over exceed bigger larger greater:decrease
 reduce reducing lower less fewer fall below under smaller cut
best good great benefit advantage pro strength better:worst bad drawback disadvantage downside con
 weakness worse
safe:dangerous unsafe harmful risky
start begin starting beginning:stop end ending finish quit
before prior earlier until within:after later following beyond
first earliest:last latest final
minimum min least lowest smallest:maximum max most highest largest
import upload:export download
send sending sent give pay:receive receiving received
deposit in:withdraw withdrawal out
arrive arrival arriving inbound incoming:depart departure departing outbound outgoing leave
lend:borrow
join subscribe register enrol enroll:leave unsubscribe cancel deregister
pause freeze suspend hold:resume unfreeze unpause continue reactivate
with:without
public publicly visible show:private privately hidden hide
hot warm heat:cold cool chilled
am morning:pm afternoon evening night tonight
upgrade:downgrade
online digital:offline
credit:debit
mandatory required compulsory obligatory:optional voluntary
win won winner:lose lost loser
pass passed:fail failed
succeed success successful:failure unsuccessful
fast quick quickest fastest speed:slow slowest
cheap cheapest:expensive dearest
domestic national:international foreign abroad overseas
indoor inside:outdoor outside
left:right
up:down
on:off
encrypt:decrypt
lock:unlock
attach:detach
accept:decline
appear:disappear
connect:disconnect
merge combine join:split separate
front:back
new newest:old oldest used
adult:child children kid kids minor baby babies
single:joint return
employed employee:self-employed unemployed
full-time:part-time
free:paid
fixed:variable
eat:avoid
push:pull
male man men:female woman women
husband:wife
weekday:weekend
sunrise:sunset
import:export
buyer:seller
landlord:tenant
employer:employee
sender:recipient
income:expense
profit:loss
ascending:descending
horizontal:vertical
""".strip()
"""One opposition a line: the words of one side, a colon, the words of the other."""

SYNONYMS = """
price cost fee charge rate pricing expensive pricey
subscription membership plan
cancel end terminate stop quit
close delete deactivate
buy purchase order
store shop branch
fast quick rapid speedy
start begin commence
register sign enrol enroll
send email mail post dispatch
parcel package delivery shipment order
holiday vacation leave
car motor vehicle auto
phone telephone mobile
doctor gp physician
vaccine jab vaccination shot immunisation immunization inoculation
medicine medication drug prescription
drawback downside disadvantage con
benefit advantage upside pro
reserve book booking reservation
eligible qualify entitled eligibility entitlement
employee staff worker
kid child children
pharmacy chemist
repair fix mend
change update modify edit alter amend switch
find locate search
show display view see
bill invoice
pay payment paid
remove delete erase kick
insurance policy cover coverage
house home property
flat apartment
rent lease
job work employment
baby infant newborn
bin rubbish trash garbage recycle recycling
text sms message
photo picture image
internet broadband wifi wi-fi
error problem issue fault
broken damaged faulty
refund reimbursement money-back
fly flight flying
pregnant pregnancy expecting
symptom sign
return send-back
hour time schedule
close shut
increase raise bigger larger higher
reset forgot forgotten recover
permitted allowed allow
accept take
movie film
author wrote written writer write
trip travel journey
film movie
big large huge
small little tiny
repo repository
app application
download export
contact reach call phone number
location address place where
login log-in signin log sign
account profile
colleague coworker co-worker
lost missing misplaced
declined rejected refused
transfer move send
make create generate build set setup
submit send file provide give
switch move
enter come
come include included
disabled disability
remote home
cash-machine cashpoint atm
delete close
cold freezing chilly
kilo kg kilogram
minimum least lowest
maximum most highest
notify notification alert
quit leave
luggage baggage bag suitcase
car-park parking park
meal food
lawyer solicitor attorney
salary pay wage
exchange swap
verify confirm check validate
top-up topup topping top
withdraw withdrawal
currency currencies
identity id identification
""".strip()
"""One set a line: words that questions use for the same thing."""

AUDIENCE = _terms(
    """adult child children kid kids baby babies toddler infant teen teenager teenage pupil student
    visitor resident guest member non-member tenant landlord lodger employee employer staff
    manager contractor freelancer self-employed agency worker pensioner senior veteran parent
    parents mother father mum dad son daughter brother sister wife husband spouse partner friend
    colleague coworker boss neighbour family couple married unmarried single widow team admin
    administrator owner buyer seller customer business company charity individual personal
    corporate man woman men women male female puppy kitten dog cat passenger driver patient
    carer foreigner citizen immigrant international apprentice graduate undergraduate
    postgraduate beginner"""
)
"""Whom a question is about: another audience usually means another answer."""

NUMBERS = {
    "zero": 0, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30,
    "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "hundred": 100, "thousand": 1000, "million": 1_000_000, "dozen": 12, "twice": 2,
}  # fmt: skip
"""Numbers written out. "one" is not among them: it is mostly a pronoun."""

UNITS = {
    "second": ("time", 1 / 86400), "sec": ("time", 1 / 86400), "minute": ("time", 1 / 1440),
    "min": ("time", 1 / 1440), "hour": ("time", 1 / 24), "hr": ("time", 1 / 24), "day": ("time", 1),
    "week": ("time", 7), "fortnight": ("time", 14), "month": ("time", 30), "year": ("time", 365),
    "yr": ("time", 365), "g": ("mass", 0.001), "gram": ("mass", 0.001), "kg": ("mass", 1),
    "kilo": ("mass", 1), "kilogram": ("mass", 1), "lb": ("mass", 0.4536), "ml": ("volume", 0.001),
    "l": ("volume", 1), "litre": ("volume", 1), "liter": ("volume", 1), "cm": ("length", 0.01),
    "m": ("length", 1), "metre": ("length", 1), "meter": ("length", 1), "km": ("length", 1000),
    "mile": ("length", 1609.34), "kb": ("bytes", 1e3), "mb": ("bytes", 1e6), "gb": ("bytes", 1e9),
    "tb": ("bytes", 1e12), "%": ("share", 1), "percent": ("share", 1), "£": ("gbp", 1),
    "pound": ("gbp", 1), "gbp": ("gbp", 1), "quid": ("gbp", 1), "$": ("usd", 1), "usd": ("usd", 1),
    "dollar": ("usd", 1), "€": ("eur", 1), "eur": ("eur", 1), "euro": ("eur", 1),
    "am": ("clock", 1), "pm": ("clock", 1.0001),
}  # fmt: skip
"""Units as (kind, factor), so that 2 weeks and 14 days are one quantity."""

CALENDAR = _terms(
    """january february march april june july august september october november december monday
    tuesday wednesday thursday friday saturday sunday christmas easter today tomorrow yesterday
    tonight weekend weekday spring summer autumn winter"""
)
"""Names of days and months; "may" is left out because it is mostly a verb."""
