// SPDX-License-Identifier: MIT
// Prints typed.tsv: where Kafka's own Java client puts 10,000 keys of all types. See README.md.
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;

public class Typed {
	static final int[] COUNTS = { 1, 3, 7, 12, 500 };
	static final int KEYS = 10000;
	static long state = 20261123;

	static int next() { // Knuth's MMIX, the upper bits
		state = state * 6364136223846793005L + 1442695040888963407L;
		return (int)(state >>> 33);
	}

	static byte[] text(String s) {
		return s.getBytes(StandardCharsets.UTF_8);
	}

	static byte[] key(int i) {
		int x = next();

		switch (i % 8) {
		case 0: return text("key-" + x);
		case 1: return text("" + (i % 16 == 1 ? -(long)x : x));
		case 2: return text(i + ".5");
		case 3: return text("{\"id\":" + x + ",\"s\":\"" + i + "\"}");
		case 4: return text("[" + x + ",\"\u00e9\",null,true]");
		case 5:
			byte[] bytes = new byte[1 + x % 20];
			bytes[0] = (byte)0xff;
			for (int k = 1; k < bytes.length; k++)
				bytes[k] = (byte)next();
			return bytes;
		case 6: return text("\u043a\u043b\u044e\u0447 " + x);
		default: return text("w-" + x); // of a window, which is left out
		}
	}

	public static void main(String[] args) throws Exception {
		MessageDigest[] all = new MessageDigest[COUNTS.length];

		for (int c = 0; c < COUNTS.length; c++)
			all[c] = MessageDigest.getInstance("SHA-256");
		for (int i = 0; i < KEYS; i++) {
			byte[] key = key(i);
			for (int c = 0; c < COUNTS.length; c++)
				all[c].update(text(BuiltInPartitioner.partitionForKey(key, COUNTS[c]) + "\n"));
		}
		for (int c = 0; c < COUNTS.length; c++)
			System.out.println(COUNTS[c] + "\t" + HexFormat.of().formatHex(all[c].digest()));
	}
}
