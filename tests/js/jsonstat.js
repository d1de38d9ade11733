// Checks JSON-stat files: our schema with ajv, the rules no schema can say, and a reading by jsonstat-toolkit.
// usage: node jsonstat.js FILE...      exit 1 and a line for each finding
"use strict";
const fs = require("fs");
const path = require("path");
const Ajv = require("ajv/dist/2020");
const JSONstat = require("jsonstat-toolkit");

const schema = JSON.parse(fs.readFileSync(path.join(__dirname, "jsonstat.schema.json"), "utf8"));
const validate = new Ajv({ strict: true, strictTypes: false, allErrors: true }).compile(schema);

// What ties the members to one another.
function* inconsistencies(cube) {
  const ids = Object.keys(cube.dimension);
  if (ids.length !== cube.id.length || !cube.id.every((id) => ids.includes(id)))
    yield "dimension and id do not name the same dimensions";
  if (cube.size.length !== cube.id.length) yield "size and id differ in length";
  for (const [d, id] of cube.id.entries()) {
    const { index, label } = cube.dimension[id].category;
    const places = Object.values(index).sort((a, b) => a - b);
    if (places.length !== cube.size[d] || places.some((p, i) => p !== i))
      yield `${id}: index is not 0 to size - 1`;
    if (Object.keys(label).join() !== Object.keys(index).join()) yield `${id}: labels are not those of the index`;
  }
  const cells = cube.size.reduce((a, b) => a * b, 1);
  if (cube.value.length !== cells) yield "value has not as many elements as the sizes say";
  for (const position of Object.keys(cube.status))
    if (Number(position) >= cells) yield `status ${position} is beyond the last value`;
  for (const [i, value] of cube.value.entries())
    if ((value === null) !== (i in cube.status)) yield `value ${i}: null and status do not go together`;
  for (const role of Object.values(cube.role).flat())
    if (!cube.id.includes(role)) yield `role names ${role}, which is no dimension`;
  for (const metric of cube.role.metric)
    for (const code of Object.keys(cube.dimension[metric].category.index))
      if (!(code in (cube.dimension[metric].category.unit || {}))) yield `${metric}: ${code} has no unit`;
}

// Another reader must see what we wrote, cell by cell.
function* misreadings(cube, text) {
  const read = JSONstat(JSON.parse(text));
  if (read.class !== "dataset" || read.length !== cube.id.length) {
    yield "jsonstat-toolkit does not read a dataset of as many dimensions";
    return;
  }
  for (const role of ["time", "metric"])
    if (JSON.stringify(read.role[role]) !== JSON.stringify(cube.role[role])) yield `jsonstat-toolkit: role ${role}`;
  for (const [i, value] of cube.value.entries()) {
    const cell = read.Data(i);
    if (cell.value !== value || (cell.status || null) !== (cube.status[i] || null))
      yield `jsonstat-toolkit reads cell ${i} otherwise`;
  }
}

let findings = 0;
for (const file of process.argv.slice(2)) {
  const text = fs.readFileSync(file, "utf8");
  const cube = JSON.parse(text);
  const all = [];
  if (!validate(cube)) all.push(...validate.errors.map((e) => `${e.instancePath}: ${e.message}`));
  else all.push(...misreadings(cube, text), ...inconsistencies(cube));
  for (const finding of all) console.log(`${file}: ${finding}`);
  findings += all.length;
}
process.exit(findings === 0 && process.argv.length > 2 ? 0 : 1);
