public class UsesNullable { private int? value; }
