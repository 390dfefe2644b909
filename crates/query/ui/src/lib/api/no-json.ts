// Stands in for the JSON half of the protobuf runtime, and for what reads default values (see vite.config.ts).

function unused(): never {
  throw new Error('messages are binary here');
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
