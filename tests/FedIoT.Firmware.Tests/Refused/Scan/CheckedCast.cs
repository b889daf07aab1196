public class CheckedCast { public static byte Low(int a) { return checked((byte)a); } }
