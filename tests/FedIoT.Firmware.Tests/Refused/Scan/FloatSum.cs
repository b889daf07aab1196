public class FloatSum { public static int Half(int a) { return (int)(a * 0.5f); } }
