public class CheckedSum { public static int Add(int a, int b) { return checked(a + b); } }
