// Stands in for parts of the protobuf runtime that are never called: JSON, and default values (see vite.config.ts).

function unused(): never {
  throw new Error('this part of the protobuf runtime was left out of the pages');
}

export {
  unused as enumFromJson,
  unused as enumToJson,
  unused as fromJson,
  unused as fromJsonString,
  unused as isEnumJson,
  unused as mergeFromJson,
  unused as mergeFromJsonString,
  unused as parseTextFormatEnumValue,
  unused as parseTextFormatScalarValue,
  unused as toJson,
  unused as toJsonString,
};
