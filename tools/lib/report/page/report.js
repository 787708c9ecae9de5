// The tables of the report, made from the data in the page. Names and reasons
// come from the model: they are only ever set as text.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const get = id => document.getElementById(id);
  const make = (tag, className, ...children) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...children.filter(child => child !== null && child !== undefined && child !== ''));
    return node;
  };

  // Numbers. A count is a number, or terms [[coefficient, "x[0] x[1]"], …].
  const scaled = (n, base, units) => {
    let unit = 0;
    while (Math.abs(n) >= base && unit < units.length - 1) { n /= base; ++unit; }
    const digits = unit === 0 || n >= 100 ? 0 : n >= 10 ? 1 : 2;
    return n.toFixed(digits) + (units[unit] ? '\u00a0' + units[unit] : '');
  };
  const flopText = n => scaled(n, 1000, ['', 'k', 'M', 'G', 'T', 'P']);
  const byteText = n => scaled(n, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);
  // Sizes known at run time only get letters, in the order of their use.
  const letters = new Map();
  const letterOf = symbol => {
    if (!letters.has(symbol)) {
      const n = letters.size;
      letters.set(symbol, String.fromCharCode(65 + n % 26) + (n < 26 ? '' : Math.floor(n / 26)));
    }
    return letters.get(symbol);
  };
  const product = symbols => {
    const degrees = new Map();
    for (const symbol of symbols.split(' ')) degrees.set(letterOf(symbol), (degrees.get(letterOf(symbol)) || 0) + 1);
    return [...degrees].sort().map(([letter, n]) => n === 1 ? letter : n < 4 ? letter + ' ²³'[n - 1] : `${letter}^${n}`).join('\u202f');
  };
  const termText = ([n, symbols], text) => symbols ? (n === 1 ? '' : text(n) + '\u00a0') + product(symbols) : text(n);
  const countText = (count, text, most = Infinity) => {
    if (typeof count === 'number') return text(count);
    const shown = [...count].sort((a, b) => (b[1] ? b[1].split(' ').length : 0) - (a[1] ? a[1].split(' ').length : 0) || b[0] - a[0]);
    return shown.slice(0, most).map(term => termText(term, text)).join(' + ') + (shown.length > most ? ' + …' : '');
  };
  const shapeText = shape => {
    const sizes = (shape || []).map(([name, size]) => [name, countText(size, String)]);
    return sizes.filter(([name, size], i) => name !== 'e' || size !== sizes[i - 1][1])
      .map(([name, size]) => name ? `${name}=${size}` : size).join(shape && shape[0] && shape[0][0] ? ' ' : ' × ');
  };
  const countKey = count => typeof count === 'number' ? count : count.reduce((sum, [n]) => sum + n, 0);
  const isLong = count => typeof count !== 'number';
  const total = counts => Object.values(counts || {}).reduce((a, b) => a + b, 0);
  const integer = n => n.toLocaleString('en');

  const blocks = data.blocks.map((block, index) => {
    const before = total(block.before), after = total(block.after);
    return Object.assign(block, {
      number: index + 1, sizes: shapeText(block.shape), opsBefore: before, opsAfter: after,
      what: block.status === 'fused' ? [block.schedule && 'schedule ' + block.schedule, block.facts].filter(Boolean).join(', ') : block.reason,
      text: [block.kind, block.op, block.node, block.scope, block.location, block.facts, block.reason, block.suggestion, block.schedule, shapeText(block.shape)]
        .join('\n').toLowerCase(),
    });
  });

  // Summary.
  const kinds = new Map();
  for (const block of blocks) {
    const row = kinds.get(block.kind) || { fused: 0, missed: 0 };
    ++row[block.status];
    kinds.set(block.kind, row);
  }
  const fused = blocks.filter(block => block.status === 'fused').length;
  const addCounts = counts => {
    const terms = new Map();
    for (const count of counts)
      for (const [n, symbols] of typeof count === 'number' ? [[count, '']] : count)
        terms.set(symbols, (terms.get(symbols) || 0) + n);
    const list = [...terms].filter(([, n]) => n).sort((a, b) => b[0].length - a[0].length).map(([symbols, n]) => [n, symbols]);
    return list.every(([, symbols]) => !symbols) ? (list[0] || [0])[0] : list;
  };
  const share = (part, whole) => typeof part === 'number' && typeof whole === 'number' && whole > 0
    ? ` (${(100 * part / whole).toFixed(part >= whole ? 0 : 1)} %)` : '';
  const tile = (title, big, note, ...more) => {
    const strong = make('div', 'big', big);
    if (typeof big === 'string' && big.length > 16) strong.classList.add('small');
    return make('div', 'tile', make('h3', '', title), strong, note ? make('div', 'note', note) : null, ...more);
  };
  const summarise = () => {
    const meter = make('div', 'meter', make('i'));
    meter.firstChild.style.width = blocks.length ? 100 * fused / blocks.length + '%' : '0';
    const table = make('table', '', make('thead', '', make('tr', '', ...['kind', 'found', 'fused', 'missed'].map(name => make('th', '', name)))), make('tbody'));
    for (const [kind, row] of [...kinds].sort((a, b) => a[0] < b[0] ? -1 : 1))
      table.tBodies[0].append(make('tr', '', ...[kind, row.fused + row.missed, row.fused, row.missed].map(cell => make('td', '', String(cell)))));
    const opsBefore = total(data.before), opsAfter = total(data.after);
    const attn = blocks.filter(block => block.status === 'fused');
    const flops = addCounts(attn.map(block => block.flops)), bytes = addCounts(attn.map(block => block.bytes));
    const unfused = addCounts(attn.map(block => block.sourceBytes));
    const big = make('span', '', `${integer(fused)} `, make('small', '', `of ${integer(blocks.length)} blocks`));
    get('summary').append(make('div', 'tiles',
      tile('Fused', big, fused === blocks.length ? 'none missed' : `${integer(blocks.length - fused)} missed`, meter),
      blocks.length ? make('div', 'tile kinds', table) : null,
      tile('Operations', `${integer(opsBefore)} → ${integer(opsAfter)}`, 'before → after fusion'),
      tile('FLOPs of the program', countText(data.flops, flopText, 3), `in fused blocks: ${countText(flops, flopText, 3)}${share(flops, data.flops)}`),
      tile('Bytes of fused blocks', countText(bytes, byteText, 3), `unfused: ${countText(unfused, byteText, 3)}`)));
  };

  // Operations.
  const listOps = () => {
    const names = [...new Set([...Object.keys(data.before), ...Object.keys(data.after)])]
      .sort((a, b) => (data.before[b] || 0) - (data.before[a] || 0) || (data.after[b] || 0) - (data.after[a] || 0) || (a < b ? -1 : 1));
    const change = n => n > 0 ? '+' + integer(n) : n < 0 ? '\u2212' + integer(-n) : '0';
    const line = (name, before, after) => make('tr', '', ...[name, integer(before), integer(after), change(after - before)].map(cell => make('td', '', cell)));
    get('ops').firstElementChild.append(make('table', '',
      make('thead', '', make('tr', '', ...['operation', 'before', 'after', 'change'].map(name => make('th', '', name)))),
      make('tbody', '', ...names.map(name => line(name, data.before[name] || 0, data.after[name] || 0))),
      make('tfoot', '', line('all', total(data.before), total(data.after)))));
  };

  // The table of blocks.
  const columns = [
    { title: '#', key: block => block.number },
    { title: 'Status', key: block => block.status + '\n' + block.kind },
    { title: 'Node', key: block => block.node || '' },
    { title: 'Shape', key: block => block.sizes },
    { title: 'What, or why not', key: block => block.what || '' },
    { title: 'FLOPs', key: block => countKey(block.flops), number: true },
    { title: 'Bytes', key: block => countKey(block.bytes), number: true },
    { title: 'Ops', key: block => block.opsBefore - block.opsAfter, number: true },
  ];
  let sortedBy = 0, descending = false;
  const body = get('blocks').tBodies[0];

  // Rows are laid out as grids, which takes the tables' own roles away.
  const setRoles = row => {
    row.setAttribute('role', 'row');
    for (const cell of row.children) cell.setAttribute('role', cell.tagName === 'TH' ? 'columnheader' : 'cell');
    return row;
  };
  const numberCell = (label, count, text) => {
    const cell = make('td', isLong(count) ? 'num long' : 'num', countText(count, text));
    cell.dataset.label = label;
    return cell;
  };
  // Long names break after their separators.
  const breakable = text => text.split(/(?<=[/.:_])(?=[^/.:_])/).flatMap((part, i) => i ? [document.createElement('wbr'), part] : [part]);
  const fileOf = block => (block.location || '').replace(/:\d+$/, '');
  const oneFile = blocks.every(block => fileOf(block) === fileOf(blocks[0]));
  const makeRow = block => {
    const toggle = make('button', 'toggle', String(block.number));
    toggle.type = 'button';
    toggle.setAttribute('aria-expanded', 'false');
    toggle.setAttribute('aria-label', `Block ${block.number}: show its operations`);
    // In one file, its name says nothing.
    const place = block.location && (!oneFile ? block.location
      : (/\.onnx$/.test(fileOf(block)) ? 'node ' : 'line ') + block.location.slice(block.location.lastIndexOf(':') + 1));
    const where = [block.scope, place].filter(Boolean).join(' · ');
    const node = make('td', '', make('span', 'node', ...breakable(block.node || '(no name)')), where ? make('span', 'sub', ...breakable(where)) : null);
    const row = make('tr', 'row',
      make('td', '', toggle),
      make('td', '', make('span', 'tag ' + block.status, block.status), make('span', 'kind', block.kind)),
      node,
      make('td', '', make('span', 'shape', block.sizes)),
      make('td', '', block.what || '', block.status !== 'fused' && block.suggestion ? make('span', 'advice', block.suggestion) : null),
      numberCell('FLOPs', block.flops, flopText),
      numberCell('Bytes', block.bytes, byteText),
      numberCell('Ops', 0, () => block.status === 'fused' ? `${block.opsBefore}\u00a0→\u00a0${block.opsAfter}` : String(block.opsBefore)));
    row.id = 'block-' + block.number;
    setRoles(row);
    row.block = block;
    return row;
  };

  // MLIR in colours: values, ops, types, strings.
  const tokens = /("(?:[^"\\]|\\.)*")|([%#@][\w$.:#-]+)|\b((?:tensor|memref|vector)(?=<)|f16|bf16|f32|f64|i1|i8|i32|i64|index)\b|\b([a-z_]+\.[a-z_][\w.]*)/g;
  const colour = text => {
    const pre = make('pre');
    pre.tabIndex = 0;
    let at = 0;
    for (const match of text.matchAll(tokens)) {
      pre.append(text.slice(at, match.index), make('span', match[1] ? 's' : match[2] ? 'v' : match[3] ? 't' : 'o', match[0]));
      at = match.index + match[0].length;
    }
    pre.append(text.slice(at));
    return pre;
  };
  const opList = counts => Object.entries(counts || {}).sort((a, b) => b[1] - a[1]).map(([name, n]) => n > 1 ? `${n} ${name}` : name).join(', ');
  const code = (title, note, index) => make('div', 'code', make('h4', '', title, make('span', '', note)), colour(data.ir[index]));
  const makeDetail = block => {
    const facts = make('dl', 'facts');
    const fact = (name, value) => value && facts.append(make('dt', '', name), make('dd', '', value));
    if (block.status !== 'fused') {
      fact('Reason', block.reason);
      fact('Change', block.suggestion);
    } else {
      fact('Op', `attn.${block.op}` + (block.schedule ? `, schedule ${block.schedule}` : ''));
      fact('Facts', block.facts);
    }
    fact('Where', [block.location, block.scope].filter(Boolean).join(', in '));
    fact('FLOPs', countText(block.flops, flopText));
    fact('Bytes', countText(block.bytes, byteText) + (block.status === 'fused' ? `; unfused ${countText(block.sourceBytes, byteText)}` : ''));
    fact('Before', opList(block.before));
    if (block.status === 'fused') fact('After', opList(block.after));
    const codes = make('div', 'codes');
    const lines = index => `${data.ir[index].trimEnd().split('\n').length} lines`;
    if (block.source !== undefined) codes.append(code('Source, normalised', lines(block.source), block.source));
    if (block.fused !== undefined) codes.append(code('After fusion', lines(block.fused), block.fused));
    const cell = make('td', '', facts, codes);
    return setRoles(make('tr', 'detail', cell));
  };
  const setOpen = (row, open) => {
    if (row.classList.contains('open') === open) return;
    row.classList.toggle('open', open);
    row.querySelector('.toggle').setAttribute('aria-expanded', String(open));
    if (open) row.after(row.detail = row.detail || makeDetail(row.block));
    else row.detail.remove();
  };

    const show = () => {
    const words = get('text').value.toLowerCase().split(/\s+/).filter(Boolean);
    const kind = get('kind').value, status = get('status').value;
    const { key } = columns[sortedBy];
    const sign = descending ? -1 : 1;
    const kept = rows.filter(({ block }) => (!kind || block.kind === kind) && (!status || block.status === status) && words.every(word => block.text.includes(word)))
      .map(row => [key(row.block), row])
      .sort(([a, x], [b, y]) => a < b ? -sign : a > b ? sign : x.block.number - y.block.number);
    const fragment = document.createDocumentFragment();
    for (const [, row] of kept) {
      fragment.append(row);
      if (row.classList.contains('open')) fragment.append(row.detail);
    }
    if (!kept.length) {
      const cell = make('td', 'empty-note', blocks.length ? 'No block fits the filter.' : 'No attention block found.');
      fragment.append(setRoles(make('tr', 'only', cell)));
    }
    body.replaceChildren(fragment);
    get('shown').textContent = kept.length === blocks.length ? `${integer(blocks.length)} blocks` : `${integer(kept.length)} of ${integer(blocks.length)} blocks`;
  };
  const makeHead = () => {
    const row = make('tr');
    columns.forEach((column, index) => {
      const button = make('button', column.number ? 'num' : '', column.title);
      button.type = 'button';
      const cell = make('th', '', button);
      button.addEventListener('click', () => {
        descending = sortedBy === index ? !descending : Boolean(column.number);
        sortedBy = index;
        for (const other of row.children) other.removeAttribute('aria-sort');
        cell.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
        show();
      });
      row.append(cell);
    });
    get('blocks').tHead.append(setRoles(row));
  };
  body.addEventListener('click', event => {
    const row = event.target.closest('tr.row');
    if (row && String(getSelection()) === '') setOpen(row, !row.classList.contains('open'));
  });
  const follow = () => {
    const row = /^#block-\d+$/.test(location.hash) && rows[Number(location.hash.slice(7)) - 1];
    if (!row) return;
    if (!row.isConnected) {
      get('text').value = get('kind').value = get('status').value = '';
      show();
    }
    rows.forEach(other => other.classList.toggle('at', other === row));
    setOpen(row, true);
    row.scrollIntoView({ block: 'start' });
    row.querySelector('.toggle').focus({ preventScroll: true });
  };

  const listSizes = () => {
    if (letters.size)
      get('summary').append(make('p', 'sizes', 'Sizes known at run time:',
        ...[...letters].map(([symbol, letter]) => make('span', '', make('i', '', letter), ' = ' + symbol.replace(/^\((.*)\)$/, '$1')))));
  };

  for (const kind of [...kinds.keys()].sort()) get('kind').append(make('option', '', kind));
  const rows = blocks.map(makeRow);
  summarise();
  listSizes();
  listOps();
  makeHead();
  show();
  get('text').addEventListener('input', show);
  get('kind').addEventListener('change', show);
  get('status').addEventListener('change', show);
  addEventListener('hashchange', follow);
  follow();
})();
