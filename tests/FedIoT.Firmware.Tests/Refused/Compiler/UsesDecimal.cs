public class UsesDecimal { private static decimal value = 1m; }
