// SPDX-License-Identifier: MIT
// What Kafka Streams makes of windowed keys, and that it reads them again: README.md.
import java.util.HexFormat;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.kstream.SessionWindowedDeserializer;
import org.apache.kafka.streams.kstream.SessionWindowedSerializer;
import org.apache.kafka.streams.kstream.TimeWindowedDeserializer;
import org.apache.kafka.streams.kstream.TimeWindowedSerializer;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.kstream.internals.SessionWindow;
import org.apache.kafka.streams.kstream.internals.TimeWindow;

public class Vectors {
	static final String[] KEYS = { "a", "", "Łódź", "a longer key, with blanks" };
	static final long[][] TIMES = { { 0, 60000 }, { 1767225600000L, 1767225660000L }, { 1577836740000L, 1577836800000L } };

	public static void main(String[] args) {
		var string = Serdes.String();
		for (String key : KEYS) {
			for (long[] t : TIMES) {
				byte[] time = new TimeWindowedSerializer<>(string.serializer()).serialize("", new Windowed<>(key, new TimeWindow(t[0], t[1])));
				byte[] session = new SessionWindowedSerializer<>(string.serializer()).serialize("", new Windowed<>(key, new SessionWindow(t[0], t[1])));
				var back = new TimeWindowedDeserializer<>(string.deserializer(), 60000L).deserialize("", time);
				if (!back.key().equals(key) || back.window().start() != t[0] || back.window().end() != t[1])
					throw new AssertionError(back);
				back = new SessionWindowedDeserializer<>(string.deserializer()).deserialize("", session);
				if (!back.key().equals(key) || back.window().start() != t[0] || back.window().end() != t[1])
					throw new AssertionError(back);
				System.out.println(key + "\t" + t[0] + "\t" + t[1] + "\t" + HexFormat.of().formatHex(time) + "\t" + HexFormat.of().formatHex(session));
			}
		}
	}
}
