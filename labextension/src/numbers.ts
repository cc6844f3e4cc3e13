// Numbers as Python writes them, to the letter: figures.json tells.

interface IDigits {
  readonly digits: string;
  readonly exponent: number;
}

/** Round half to even on the exact binary value, as Python does; `toPrecision` rounds half up. */
function rounded(value: number, figures: number): IDigits {
  // 100 digits tell every tie: the double nearest to one, and not on it, differs in the first 40.
  const [mantissa = '0', exponent = '0'] = Math.abs(value).toExponential(100).split('e');
  const all = mantissa.replace('.', '');
  const kept = Number(all.slice(0, figures));
  const rest = all.slice(figures);
  const half = '5'.padEnd(rest.length, '0');
  const isUp = rest > half || (rest === half && kept % 2 === 1);
  const digits = String(isUp ? kept + 1 : kept);
  return {
    digits: digits.slice(0, figures),
    exponent: Number(exponent) + digits.length - figures
  };
}

function notFinite(value: number): string {
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}

/** Write a number as Python's `format(value, '.{figures}g')`. */
export function general(value: number, figures: number): string {
  if (!Number.isFinite(value)) {
    return notFinite(value);
  }
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (value === 0) {
    return `${sign}0`;
  }
  const { digits, exponent } = rounded(value, figures);
  if (exponent < -4 || exponent >= figures) {
    const fraction = digits.slice(1).replace(/0+$/, '');
    const power = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${digits.charAt(0)}${fraction && `.${fraction}`}e${exponent < 0 ? '-' : '+'}${power}`;
  }
  return sign + fixed(digits, exponent);
}

function fixed(digits: string, exponent: number): string {
  if (exponent < 0) {
    return `0.${'0'.repeat(-exponent - 1)}${digits.replace(/0+$/, '')}`;
  }
  const fraction = digits.slice(exponent + 1).replace(/0+$/, '');
  return digits.slice(0, exponent + 1) + (fraction && `.${fraction}`);
}

/** Write a number with three significant figures and without exponent. */
export function threeFigures(value: number): string {
  return withoutExponent(value, 3);
}

/** Write a number with two significant figures and without exponent. */
export function twoFigures(value: number): string {
  return withoutExponent(value, 2);
}

function withoutExponent(value: number, figures: number): string {
  if (!Number.isFinite(value)) {
    return notFinite(value);
  }
  if (value === 0) {
    return '0';
  }
  const { digits, exponent } = rounded(value, figures);
  const sign = value < 0 ? '-' : '';
  if (exponent < figures) {
    return sign + fixed(digits, exponent);
  }
  // Python writes the double nearest to the rounded number, which far up has other digits than zeros.
  return sign + BigInt(Number(`${digits}e${String(exponent - figures + 1)}`)).toString();
}

/** Write the size of a percentage; what is not nothing is not written as 0. */
export function percentText(size: number): string {
  return size < 1 ? general(size, 1) : size < 1000 ? String(Math.round(size)) : threeFigures(size);
}
