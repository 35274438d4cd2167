/** How files and things are named: kebab-case, a header in one sentence, and no word that says nothing. */
import path from "node:path";

const BANNED = "Manager|Handler|Processor|Helper|Util|Utils|Context|Data|Info|Engine|Base|Impl";
/** But for the field manager of Kubernetes. */
const BANNED_FUNCTION = new RegExp(`(?:^|[a-z0-9])(?<!field)(?:${BANNED})$|^(?:${BANNED.toLowerCase()})$`);
/** Kubernetes owns the word: `Service` and `VirtualService` are its and Istio's, and ours are named after what they do. */
const BANNED_TYPE = new RegExp(`(?:${BANNED}|(?<!^|Virtual|Kubernetes)Service)$`);
const BANNED_FILE = new RegExp(`(?:^|-)(?:${BANNED.toLowerCase()})(?:-|\\.|$)`);

const namesSaySomething = {
  meta: { type: "problem", schema: [] },
  create(eslint) {
    const lookWith = (banned) => (node) => {
      if (node.id && banned.test(node.id.name)) eslint.report({ node: node.id, message: `"${node.id.name}" ends with a word that says nothing: name what it is` });
    };
    return {
      // A type of another package that is added to has that package's name.
      ":matches(TSInterfaceDeclaration, TSTypeAliasDeclaration, ClassDeclaration):not(TSModuleBlock *)": lookWith(BANNED_TYPE),
      FunctionDeclaration: lookWith(BANNED_FUNCTION),
      ":matches(Program, ExportNamedDeclaration) > VariableDeclaration > VariableDeclarator[id.type='Identifier']": lookWith(BANNED_FUNCTION),
    };
  },
};

const KEBAB_CASE = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z]+)+$/;

const filesAreNamed = {
  meta: { type: "problem", schema: [] },
  create(eslint) {
    const name = path.basename(eslint.filename);
    const message = !KEBAB_CASE.test(name)
      ? `${name}: file names are kebab-case nouns`
      : BANNED_FILE.test(name)
        ? `${name} holds a word that says nothing: name the file after its main export`
        : undefined;
    return { Program: (node) => void (message && eslint.report({ node, message })) };
  },
};

const filesHaveHeader = {
  meta: { type: "problem", schema: [] },
  create(eslint) {
    const text = eslint.sourceCode.text.replace(/^#!.*\n/, "");
    return {
      Program(node) {
        if (!text.startsWith("/** ")) eslint.report({ node, message: "a file begins with a comment that says in one sentence what is in it" });
      },
    };
  },
};

export const namingRules = { "names-say-something": namesSaySomething, "files-are-named": filesAreNamed, "files-have-header": filesHaveHeader };
