#!/usr/bin/env python3
"""Writes the data of the examples and the outputs that are expected of them, worked out here, row by row, in Python.

    python3 examples/make_data.py                     # sales, merge, report, staging, warehouse, plugin: what is committed
    python3 examples/make_data.py nightly             # files for the nightly loop, which moves them away: not committed
    python3 examples/make_data.py diamond 5000000     # rows for the diamond, not committed (some 160 MB)
"""

import datetime
import decimal
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
CENT, TENTH_OF_CENT = decimal.Decimal("0.01"), decimal.Decimal("0.0001")


def write(path, header, lines):
    with open(HERE / path, "w", encoding="cp1252", newline="") as file:
        file.write(header + "\r\n")
        file.writelines(line + "\r\n" for line in lines)


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


# ErrorCode of a rejected row; its ErrorColumn is the number of the column, counted through the package
BAD_VALUE, TOO_LONG = -1071607676, -1071607675


def sales(chance):
    customers = ["Müller & Söhne", "O'Neill, Ltd", 'The "Corner" Shop', "  Garcia  ", "Björk", "Smith", "Café Zoë", "Lee"]
    bad = {17: "quantity", 404: "sold_on", 1999: "customer", 3210: "unit_price", 4711: "sold_on"}
    names = ["sale_id", "sold_on", "customer", "quantity", "unit_price", "discount"]
    lines, large, small, rejected = [], [], [], []
    for sale in range(1, 5001):
        day = datetime.date(2024, 1, 1) + datetime.timedelta(days=chance.randrange(366))
        customer, quantity = chance.choice(customers), chance.randrange(1, 60)
        price = decimal.Decimal(chance.randrange(100, 9000)) * CENT
        discount = decimal.Decimal(chance.choice([0, 0, 0, 5, 10, 25])) * CENT
        cells = [str(sale), day.isoformat(), quoted(customer), str(quantity), str(price), str(discount)]
        if sale in bad:
            column = bad[sale]
            cells[names.index(column)] = {
                "quantity": "a dozen",
                "sold_on": "2024-02-30",
                "customer": quoted("A name that is longer than its column"),
                "unit_price": "12.34.56",
            }[column]
            code = TOO_LONG if column == "customer" else BAD_VALUE
            rejected.append(",".join([*cells, str(code), str(names.index(column) + 1)]))
        else:
            amount = (quantity * price * (1 - discount)).quantize(TENTH_OF_CENT)
            quarter = f"{day.year}-Q{(day.month + 2) // 3}"
            row = ",".join([str(sale), quarter, quoted(customer.strip().upper()), str(quantity), str(amount)])
            (large if amount >= 1000 else small).append(row)
        lines.append(",".join(cells))
    write("sales/data/sales.csv", ",".join(names), lines)
    header = 'sale_id,quarter,"customer",quantity,amount'  # the name of a qualified column is qualified
    write("sales/expected/large.csv", header, large)
    write("sales/expected/small.csv", header, small)
    write("sales/expected/rejected.csv", "line,ErrorCode,ErrorColumn", rejected)


def merge(chance):
    rows = {}
    for branch in ("north", "south"):
        accounts = sorted(chance.sample(range(1000, 2000), 250))
        rows[branch] = [
            (account, f"{chance.choice(['Ada', 'Grace', 'Edsger', 'Barbara', 'Tony'])} of the {branch.title()}",
             decimal.Decimal(chance.randrange(100, 1000000)) * CENT)
            for account in accounts
        ]
        write(f"merge/data/{branch}.csv", "account,name,balance", [",".join(map(str, row)) for row in rows[branch]])
    # Equal accounts: those of the first input come first.
    merged = sorted(rows["north"] + rows["south"], key=lambda row: row[0])
    write("merge/expected/accounts.csv", "account,name,balance", [",".join(map(str, row)) for row in merged])


def report(chance):
    regions, products = ["North", "South", "East", "West"], ["Apples", "Bread", "Coffee", "Dates", "Eggs"]
    lines, totals = [], {}
    for order in range(1, 30001):
        day = datetime.date(2024, 1, 1) + datetime.timedelta(days=(order * 366) // 30001)
        region, amount = chance.choice(regions), decimal.Decimal(chance.randrange(100, 50000)) * CENT
        lines.append(f"{order},{day.isoformat()},{region},{chance.choice(products)},{amount}")
        count, total, largest = totals.get((region, day.month), (0, decimal.Decimal(0), decimal.Decimal(0)))
        totals[region, day.month] = count + 1, total + amount, max(largest, amount)
    write("report/data/orders.csv", "order_id,ordered_on,region,product,amount", lines)
    ordered = sorted(totals.items(), key=lambda item: (item[0][0], -item[1][1]))
    with open(HERE / "report/expected/report.csv", "w", encoding="utf-8", newline="") as file:
        file.write("region,month,orders,total,largest\n")
        file.writelines(f"{region},{month},{count},{total},{largest}\n" for (region, month), (count, total, largest) in ordered)


def staging(chance):
    pages = ["/", "/prices", "/docs", "/docs/install", "/blog"]
    lines, totals = [], {}
    moment = datetime.datetime(2024, 5, 1, 8, 0, 0)
    for _ in range(2000):
        moment += datetime.timedelta(seconds=chance.randrange(1, 90))
        page, seconds = chance.choice(pages), chance.randrange(1, 61)
        lines.append(f"{moment},{page},{seconds}")
        if seconds >= 10:
            totals.setdefault(page, []).append((moment, seconds))
    write("staging/data/visits.csv", "visited_at,page,seconds", lines)
    rows = []
    for page, visits in sorted(totals.items(), key=lambda item: (-len(item[1]), item[0])):
        mean = sum(seconds for _, seconds in visits) / len(visits)
        rows.append(f"{page},{len(visits)},{visits[-1][0]},{mean!r}")
    write("staging/expected/pages.csv", "page,visits,pages_last_visit,mean_seconds", rows)


def warehouse(chance):
    """A customer in twenty of the sales is not among the customers; the best region is said beside."""
    regions = ["North", "East", "South", "West"]
    names = [f"{first} {last}" for first in ("Ann", "Bob", "Chloé", "Dmitri", "Eve") for last in ("Gray", "O'Hara", "Zhu", "Müller")]
    customers = {name: regions[at % 4] for at, name in enumerate(names)}
    write("warehouse/data/customers.csv", "name,region", [f"{name},{region}" for name, region in customers.items()])
    lines, known, unknown, totals = [], [], [], dict.fromkeys(regions, 0)
    for sale in range(1, 3001):
        name = "Nobody Known" if chance.randrange(20) == 0 else chance.choice(names)
        day = datetime.date(2024, 1, 1) + datetime.timedelta(days=chance.randrange(366))
        cents = chance.randrange(100, 90000)
        lines.append(f"{sale},{name},{day},{cents // 100}.{cents % 100:02}")
        if name in customers:
            known.append(sale)
            totals[customers[name]] += cents
        else:
            unknown.append(sale)
    write("warehouse/data/sales.csv", "sale_id,customer,sold_on,amount", lines)
    best = max(totals, key=totals.get)
    rows = [f"FactSale,{len(known)}", f"UnknownCustomer,{len(unknown)}", f"DimCustomer,{len(customers)}", f"Best,{best}"]
    write("warehouse/expected/counts.csv", "what,value", rows)


def plugin(chance):
    """Cards to be masked; those that are too short are refused. And the days of a year."""
    lines, masked, refused = [], [], []
    for customer in range(1, 501):
        name = chance.choice(["Müller", "O'Neill", "Garcia", "Björk", "Lee"])
        card = "".join(chance.choice("0123456789") for _ in range(chance.choice([3, 4, 16, 19])))
        lines.append(f"{customer},{name},{card}")
        if len(card) < 4:
            refused.append(lines[-1])
        else:
            masked.append(f"{customer},{name},{'*' * (len(card) - 4)}{card[-4:]}")
    write("plugin/data/customers.csv", "customer,name,card", lines)
    write("plugin/expected/masked.csv", "customer,name,card", masked)
    write("plugin/expected/refused.csv", "customer,name,card", refused)
    first = datetime.date(2024, 1, 1)
    days = [first + datetime.timedelta(days=at) for at in range(366)]
    write("plugin/expected/days.csv", "day,weekday", [f"{day},{day.isoweekday()}" for day in days])


def nightly(chance):
    """What came in over three nights."""
    for folder in ("inbox", "done"):
        (HERE / "nightly" / folder).mkdir(exist_ok=True)
    order = 0
    for night in (1, 2, 3):
        lines = []
        for _ in range(chance.randrange(80, 120)):
            order += 1
            article, cents = chance.choice(["apple", "pear", "plum", "quince"]), chance.randrange(20, 9000)
            lines.append(f"{order},{article},{cents // 100}.{cents % 100:02}")
        write(f"nightly/inbox/orders_2026-11-0{night}.csv", "order_id,article,amount", lines)


def diamond(chance, rows):
    targets = list(range(1, rows + 1))
    chance.shuffle(targets)
    with open(HERE / "diamond/data/rows.csv", "w", encoding="cp1252", newline="") as file:
        file.write("id,points_to,label\r\n")
        file.writelines(f"{at + 1},{target},row {at + 1:08d} of many\r\n" for at, target in enumerate(targets))


if __name__ == "__main__":
    chance = random.Random(2024)
    if sys.argv[1:2] == ["diamond"]:
        diamond(chance, int(sys.argv[2]) if len(sys.argv) > 2 else 5_000_000)
    elif sys.argv[1:2] == ["nightly"]:
        nightly(chance)
    else:
        sales(chance)
        merge(chance)
        report(chance)
        staging(chance)
        warehouse(chance)
        plugin(chance)
