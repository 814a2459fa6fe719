"""Where the money of a ledger goes, which lever pays first, and what is left for the others."""

from pathlib import Path
from tempfile import TemporaryDirectory

from ragthrift.audit import audit
from ragthrift.audit.demo import demo_calls
from ragthrift.audit.reports import write_html

found = audit(demo_calls(1500), synthetic=True)  # yours: audit(open_ledger("calls.db").calls())

print(f"${found.coverage.dollars:.2f} for {found.coverage.billed:,} calls")
for row in found.types[:4]:
    print(f"  {row.name:16} {row.share:4.0%}  ${row.dollars_per_call or 0:.4f} a call")

alone = {projection.lever: projection for projection in found.plan.projections}
print("in the order to do them, each after those before it:")
for step in found.plan.steps[:5]:
    lever = alone[step.lever]
    print(
        f"  ${step.dollars.expected:6.2f}  ({step.dollars.low:.2f} to {step.dollars.high:.2f})",
        end="",
    )
    print(f"  {lever.lever}, {lever.basis}, risk {lever.risk}")
    print(f"           {lever.code}")

saved = found.plan.together
print(f"together ${saved.expected:.2f}, and not the ${found.plan.added_up:.2f} of all alone")

with TemporaryDirectory() as folder:
    page = Path(folder) / "audit.html"
    write_html(found, page)
    print(f"one page with everything in it: {page.stat().st_size // 1024} kB")
