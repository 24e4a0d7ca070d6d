// Pure.
/**
 * Takes out of a command line what `java` itself would take, so that a launch line of the MultiLangDaemon
 * works as it is.
 *
 * Up to the name of the class the line belongs to `java`. There `-p` is `--module-path`, and an unknown
 * option is skipped with a warning. Our own flags count there too, for scripts that put them before their
 * arguments.
 *
 * Source: `java -h` and man page of JDK 17 to 24; which options take the next argument: `IsWhiteSpaceOption`
 * of its `java.c`.
 *
 * @module
 */

/** A command line without the part for java. */
export interface WithoutJava {
  readonly rest: readonly string[];
  /** From `-Daws.region=…` and the like, by name. */
  readonly systemProperties: Readonly<Record<string, string>>;
  /** Whether java's version is requested. */
  readonly isVersion: boolean;
  readonly warnings: readonly string[];
  /** Why the line is not one for us, in one line. */
  readonly problem: string | undefined;
}

/** Our own flags, with their dashes. */
export interface OwnFlags {
  /** Those that take the next argument. */
  readonly withValue: readonly string[];
  readonly withoutValue: readonly string[];
}

/** Takes java's part out. */
export function withoutJava(args: readonly string[], own: OwnFlags): WithoutJava {
  const rest: string[] = [], warnings: string[] = [];
  const systemProperties = new Map<string, string>();
  const classAt = args.findIndex((arg) => MAIN_CLASS.test(arg));
  let isVersion = false;
  let problem: string | undefined;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    const role = roleOf(arg, own, { isJavas: at < classAt, isNextClass: at + 1 === classAt });
    const value = ["ownPair", "javaPair", "program"].includes(role) ? args[++at] : undefined;
    switch (role) {
      case "own":
        if (CLASS_NAME.test(arg) && args.length > 1) problem ??= foreignClass(arg);
        rest.push(arg);
        break;
      case "ownPair":
        rest.push(arg, ...(value === undefined ? [] : [value]));
        break;
      case "help":
        rest.push("--help");
        break;
      case "version":
        isVersion = true;
        break;
      case "property": {
        const [name = "", ...parts] = arg.slice("-D".length).split("=");
        systemProperties.set(name, parts.join("="));
        break;
      }
      case "program":
        problem ??= noJava(`${shown([arg, value ?? ""].join(" ").trim())} starts a Java program`);
        break;
      case "argumentFile":
        warnings.push(`${shown(arg)} is not read: java's argument files are not known here`);
        break;
      case "unknown":
        // Not its value, which may be a secret in the wrong place.
        warnings.push(`${shown(arg.replace(/=[^]*/, ""))} is taken for an option of java and ignored`);
        break;
      case "java":
      case "javaPair":
        break;
    }
  }
  for (const name of systemProperties.keys()) {
    const variable = VARIABLES.get(name);
    if (variable !== undefined) {
      warnings.push(`-D${name} is not read here: set ${variable} in the environment`);
    }
  }
  return { rest, systemProperties: Object.fromEntries(systemProperties), isVersion, warnings, problem };
}

/** What an argument is. Of a pair the next argument is the second half. */
type Role =
  | "own"
  | "ownPair"
  | "java"
  | "javaPair"
  | "property"
  | "version"
  | "help"
  /** A program of java's own to start. */
  | "program"
  | "argumentFile"
  /** Not an option of ours, among java's options. */
  | "unknown";

interface Place {
  /** Whether the name of our class has not been read yet. */
  readonly isJavas: boolean;
  readonly isNextClass: boolean;
}

function roleOf(arg: string, { withValue, withoutValue }: OwnFlags, { isJavas, isNextClass }: Place): Role {
  if (MAIN_CLASS.test(arg)) return "java";
  if (/^-D[^=]/.test(arg)) return "property";
  if (/^(?:-version|-fullversion|--full-version)$/.test(arg)) return "version";
  if (/^-(?:\?|help)$/.test(arg)) return "help";
  if (arg === "-jar") return "program";
  if (/^(?:--module|-m)$/.test(arg)) return isNextClass ? "java" : "program";
  if (isJavas && /^-[pd]$/.test(arg)) return "javaPair";
  if (withValue.includes(arg)) return "ownPair";
  if (withoutValue.includes(arg) || withValue.some((flag) => arg.startsWith(`${flag}=`))) return "own";
  if (TAKES_NEXT.test(arg)) return "javaPair";
  if (JAVA_OPTION.test(arg)) return "java";
  if (/^@./.test(arg)) return "argumentFile";
  return isJavas && /^-./.test(arg) ? "unknown" : "own";
}

const DAEMON = "software.amazon.kinesis.multilang.MultiLangDaemon";

/** Of KCL 2.x and 3.x, and of 1.x; after its module where `--module` starts it. */
const MAIN_CLASS =
  /^(?:(?:--module=)?[\w.]+\/)?(?:software\.amazon|com\.amazonaws\.services)\.kinesis\.multilang\.MultiLangDaemon$/;

/** A class in packages. No file of properties is called so. */
const CLASS_NAME = /^(?:[a-z_$][\w$]*\.){2,}[A-Z][\w$]*$/;

const TAKES_NEXT = new RegExp(
  `^(?:-cp|-classpath|--(?:${
    [
      "class-path",
      "module-path",
      "upgrade-module-path",
      "add-modules",
      "limit-modules",
      "add-exports",
      "add-opens",
      "add-reads",
      "patch-module",
      "enable-native-access",
      "describe-module",
      "source",
    ].join("|")
  }))$`,
);

/** Options without an argument, also with `=` or `:` and a value. */
const JAVA_OPTION = new RegExp(
  `^(?:-X.*|-(?:${
    [
      "server",
      "client",
      "minimal",
      "zero",
      "dcevm",
      "hotspot",
      "d32",
      "d64",
      "verbose",
      "verbosegc",
      "noverify",
      "noclassgc",
      "ea",
      "enableassertions",
      "da",
      "disableassertions",
      "esa",
      "enablesystemassertions",
      "dsa",
      "disablesystemassertions",
      "agentlib",
      "agentpath",
      "javaagent",
      "splash",
      "showversion",
      "jre-restrict-search",
      "no-jre-restrict-search",
      "m[sx]\\d+[kKmMgGtT]?",
      "ss\\d+[kKmMgG]?",
      "-?disable-@files",
    ].join("|")
  })(?:[:=].*)?|--(?:${
    [
      "class-path=.*",
      "module-path=.*",
      "upgrade-module-path=.*",
      "add-modules=.*",
      "limit-modules=.*",
      "add-exports=.*",
      "add-opens=.*",
      "add-reads=.*",
      "patch-module=.*",
      "enable-native-access=.*",
      "illegal-access=.*",
      "illegal-native-access=.*",
      "sun-misc-unsafe-memory-access=.*",
      "finalization=.*",
      "enable-preview",
      "enable-final-field-mutation=.*",
      "illegal-final-field-mutation=.*",
      "show-version",
      "show-module-resolution",
      "list-modules",
      "validate-modules",
      "dry-run",
    ].join("|")
  }))$`,
);

const HTTPS_PROXY = "HTTPS_PROXY=http://HOST:PORT";

/**
 * The variable that replaces a system property of Java, for properties with a loss that would be noticed
 * late.
 */
const VARIABLES: ReadonlyMap<string, string> = new Map([
  ["https.proxyHost", HTTPS_PROXY],
  ["socksProxyHost", HTTPS_PROXY],
  ["java.net.useSystemProxies", HTTPS_PROXY],
  ["http.proxyHost", "HTTP_PROXY=http://HOST:PORT"],
  ["http.nonProxyHosts", "NO_PROXY, with commas between the hosts,"],
  ["javax.net.ssl.trustStore", "DENO_CERT, to a PEM file,"],
  ["aws.profile", "AWS_PROFILE"],
  ["aws.configFile", "AWS_CONFIG_FILE"],
  ["aws.sharedCredentialsFile", "AWS_SHARED_CREDENTIALS_FILE"],
  ["aws.roleArn", "AWS_ROLE_ARN"],
  ["aws.roleSessionName", "AWS_ROLE_SESSION_NAME"],
  ["aws.webIdentityTokenFile", "AWS_WEB_IDENTITY_TOKEN_FILE"],
  ["aws.disableEc2Metadata", "AWS_EC2_METADATA_DISABLED"],
  ["aws.ec2MetadataServiceEndpoint", "AWS_EC2_METADATA_SERVICE_ENDPOINT"],
]);

function foreignClass(name: string): string {
  return name.endsWith(".StreamsMultiLangDaemon")
    ? `${shown(name)} reads streams of DynamoDB: kclite reads streams of Kinesis, in the place of ${DAEMON}`
    : noJava(`${shown(name)} is a Java class`);
}

function noJava(what: string): string {
  return `${what}, and there is no Java here: kclite stands in the place of ${DAEMON} and of no other program`;
}

/** At any length, and with line breaks, in one line. */
function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text).slice(1, -1);
}
