// SPDX-License-Identifier: MIT
// Prints keys.tsv: what Kafka's own Java client makes of keys. See README.md.
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.utils.Utils;

public class Murmur2 {
	static final int[] COUNTS = { 1, 2, 7, 12, 64, 1000 };
	static final PrintStream out = new PrintStream(System.out, false, StandardCharsets.US_ASCII);

	static void line(byte[] key) {
		StringBuilder text = new StringBuilder(HexFormat.of().formatHex(key));

		text.append('\t').append(Utils.murmur2(key));
		for (int count : COUNTS)
			text.append('\t').append(BuiltInPartitioner.partitionForKey(key, count));
		out.print(text.append('\n'));
	}

	public static void main(String[] args) {
		Random random = new Random(1);
		String[] known = { // those of org.apache.kafka.common.utils.UtilsTest
			"21", "foobar", "a-little-bit-long-string", "a-little-bit-longer-string",
			"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", "abc",
		};
		String[] more = { "", "0", "-1", "1.0", "null", "ACME", "S000001", "Zürich", "日本", "\uD83D\uDE00", "{\"a\":1}", "\"a\"" };

		for (String s : known)
			line(s.getBytes(StandardCharsets.UTF_8));
		for (String s : more)
			line(s.getBytes(StandardCharsets.UTF_8));
		for (int i = 0; i < 2000; i++) {
			byte[] key = new byte[i < 1600 ? i % 40 : 40 + random.nextInt(60)];

			random.nextBytes(key);
			line(key);
		}
		out.flush();
	}
}
