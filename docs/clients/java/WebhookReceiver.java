// Receives webhooks and verifies them, with nothing but the JDK (17 and up).
//   java WebhookReceiver.java             listens on 127.0.0.1:9000
//   java WebhookReceiver.java vectors.tsv checks itself
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class WebhookReceiver {
    static class WebhookRefused extends Exception {
        WebhookRefused(String code) {
            super(code);
        }
    }

    /**
     * Checks the Standard Webhooks headers of a webhook, which Payment Sim always sends. {@code body} is the raw
     * body; several secrets are accepted while they are rotated.
     */
    static void verifyWebhook(
            byte[] body, Function<String, String> header, List<String> secrets, long toleranceSeconds, long nowSeconds)
            throws WebhookRefused, GeneralSecurityException {
        String id = need(header, "webhook-id");
        String timestamp = need(header, "webhook-timestamp");
        String[] signatures = need(header, "webhook-signature").split(" ");
        if (!timestamp.matches("[0-9]{1,12}") || Arrays.stream(signatures).noneMatch(each -> each.startsWith("v1,"))) {
            throw new WebhookRefused("MalformedHeader");
        }
        boolean genuine = false;
        for (String secret : secrets) {
            byte[] key = secret.startsWith("whsec_")
                    ? Base64.getDecoder().decode(secret.substring(6))
                    : secret.getBytes(StandardCharsets.UTF_8);
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
            String expected = "v1," + Base64.getEncoder().encodeToString(mac.doFinal(body));
            for (String signature : signatures) {
                genuine = MessageDigest.isEqual(signature.getBytes(StandardCharsets.UTF_8),
                        expected.getBytes(StandardCharsets.UTF_8)) || genuine;
            }
        }
        if (!genuine) {
            throw new WebhookRefused("SignatureMismatch");
        }
        if (Math.abs(nowSeconds - Long.parseLong(timestamp)) > toleranceSeconds) {
            throw new WebhookRefused("TimestampOutOfTolerance");
        }
    }

    private static String need(Function<String, String> header, String name) throws WebhookRefused {
        String value = header.apply(name);
        if (value == null) {
            throw new WebhookRefused("MissingHeader");
        }
        return value;
    }

    public static void main(String[] args) throws Exception {
        if (args.length > 0) {
            checkVectors(Path.of(args[0]));
            return;
        }
        List<String> secrets = List.of(System.getenv().getOrDefault("WEBHOOK_SECRET", "payment-sim-dev-secret").split(","));
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "9000"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", exchange -> {
            byte[] body = exchange.getRequestBody().readAllBytes();
            int status = 204;
            try {
                verifyWebhook(body, exchange.getRequestHeaders()::getFirst, secrets, 300, System.currentTimeMillis() / 1000);
                System.out.println("genuine " + new String(body, StandardCharsets.UTF_8));
            } catch (WebhookRefused | GeneralSecurityException e) {
                System.out.println("REFUSED " + e.getMessage());
                status = 401;
            }
            exchange.sendResponseHeaders(status, -1);
            exchange.close();
        });
        server.start();
    }

    /** Columns: name, secrets in base64 by commas, now, tolerance, body in base64, three headers, reason. */
    private static void checkVectors(Path file) throws IOException, GeneralSecurityException {
        List<String> rows = Files.readAllLines(file);
        for (String line : rows) {
            String[] row = line.split("\t", -1);
            Map<String, String> headers = Map.of(
                    "webhook-id", row[5], "webhook-timestamp", row[6], "webhook-signature", row[7]);
            List<String> secrets = Arrays.stream(row[1].split(","))
                    .map(each -> new String(Base64.getDecoder().decode(each), StandardCharsets.UTF_8)).toList();
            String got = "";
            try {
                verifyWebhook(Base64.getDecoder().decode(row[4]),
                        name -> headers.get(name).isEmpty() ? null : headers.get(name),
                        secrets, Long.parseLong(row[3]), Long.parseLong(row[2]));
            } catch (WebhookRefused e) {
                got = e.getMessage();
            }
            if (!got.equals(row[8])) {
                System.out.println(row[0] + ": got \"" + got + "\", want \"" + row[8] + "\"");
                System.exit(1);
            }
        }
        System.out.println(rows.size() + " vectors right");
    }
}
