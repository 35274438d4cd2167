/** What names, labels and the keys of annotations may look like, and what is said about those that do not. */

const LONGEST_NAME = 253;
const LONGEST_PART = 63;

const SUBDOMAIN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const PART = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character " +
  `(e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`;
const PART_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  `(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${PART}')`;
const VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  `(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${PART})?')`;

function isSubdomain(text: string): boolean {
  return new RegExp(`^${SUBDOMAIN}$`).test(text);
}

/** Each of these says what is wrong with a text, or nothing. */
export function nameProblem(name: string): string | undefined {
  if (name.length > LONGEST_NAME) return `must be no more than ${LONGEST_NAME} characters`;
  return isSubdomain(name) ? undefined : SUBDOMAIN_RULE;
}

/** `prefix/name`, or `name` alone. */
export function keyProblem(key: string): string | undefined {
  const [name = "", prefix] = key.split("/").reverse();
  if (prefix !== undefined && !isSubdomain(prefix)) return `prefix part ${SUBDOMAIN_RULE}`;
  if (name.length > LONGEST_PART) return `name part must be no more than ${LONGEST_PART} bytes`;
  return new RegExp(`^${PART}$`).test(name) ? undefined : `name part ${PART_RULE}`;
}

export function labelProblem(value: string): string | undefined {
  if (value.length > LONGEST_PART) return `must be no more than ${LONGEST_PART} bytes`;
  return new RegExp(`^(${PART})?$`).test(value) ? undefined : VALUE_RULE;
}
