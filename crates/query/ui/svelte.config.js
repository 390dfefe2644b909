// Short names for scopes, since each rule and each element with a rule has one: the first digits of a hash that no other file took.
const takenBy = new Map();

function cssHash({ hash, filename }) {
  const digits = hash(filename.slice(filename.lastIndexOf('/src/') + 1));
  let length = 2;
  while ((takenBy.get(digits.slice(0, length)) ?? filename) !== filename) length += 1;
  const name = digits.slice(0, length);
  takenBy.set(name, filename);
  return `s-${name}`;
}

export default {
  compilerOptions: { runes: true, cssHash, fragments: 'tree' },
};
