package kclite.interop;

/** One line of JSON on standard output: {@code {"at":epoch ms,"worker":…,"event":…,"shardId":…,"text":…}}. */
final class Told {
    private Told() {}

    static synchronized void tell(String worker, String event, String shardId, String text) {
        System.out.println("{\"at\":" + System.currentTimeMillis() + ",\"worker\":" + quoted(worker) + ",\"event\":"
                + quoted(event) + ",\"shardId\":" + quoted(shardId) + ",\"text\":" + quoted(text) + "}");
        System.out.flush();
    }

    private static String quoted(String text) {
        if (text == null) return "null";
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\' || c < ' ') quoted.append(String.format("\\u%04x", (int) c));
            else quoted.append(c);
        }
        return quoted.append('"').toString();
    }
}
