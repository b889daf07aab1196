public class UsesClock { private static long Now() { return System.DateTime.UtcNow.Ticks; } }
