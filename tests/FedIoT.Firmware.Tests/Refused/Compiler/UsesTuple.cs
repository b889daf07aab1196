public class UsesTuple { private static (int, int) Pair() { return (1, 2); } }
