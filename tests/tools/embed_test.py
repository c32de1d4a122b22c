"""tools/embed.py: what becomes of a folder of files, and what is refused."""

import gzip
import importlib.util
import os
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
spec = importlib.util.spec_from_file_location("embed", os.path.join(ROOT, "tools", "embed.py"))
embed = importlib.util.module_from_spec(spec)
spec.loader.exec_module(embed)


class EmbedTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.dist = self.path("dist")
        self.out = self.path("out.c")
        self.write("fallback.html", b"<!doctype html>not built")

    def path(self, *names):
        return os.path.join(self.folder.name, *names)

    def write(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data)

    def run_embed(self):
        arguments = ["--dist", self.dist, "--fallback", self.path("fallback.html")]
        return embed.main([*arguments, "--out", self.out, "--depfile", self.path("out.d")])

    def rows(self):
        return embed.collect(self.dist, self.path("fallback.html"))[0]

    def test_without_a_built_dashboard_only_the_fallback_page_is_there(self):
        self.assertEqual(self.run_embed(), 0)
        found = [(row[0], row[2]) for row in self.rows()]
        self.assertEqual(found, [("index.html", b"<!doctype html>not built")])

    def test_the_build_looks_again_once_the_dashboard_is_built(self):
        self.run_embed()
        with open(self.path("out.d"), encoding="utf-8") as file:
            self.assertIn(os.path.join(self.dist, "index.html"), file.read())

    def test_rows_are_sorted_and_the_plain_form_comes_first(self):
        self.write("dist/index.html", b"<p>" * 200)
        self.write("dist/assets/b.js", b"1;" * 200)
        self.write("dist/assets/a.css", b"a{}")
        self.assertEqual(
            [(row[0], row[4]) for row in self.rows()],
            [
                ("assets/a.css", False),
                ("assets/b.js", False),
                ("assets/b.js", True),
                ("index.html", False),
                ("index.html", True),
            ],
        )

    def test_the_gzip_form_unpacks_to_the_plain_one_and_has_its_own_tag(self):
        self.write("dist/index.html", b"<p>" * 200)
        plain, packed = self.rows()
        self.assertEqual(gzip.decompress(packed[2]), plain[2])
        self.assertNotEqual(plain[3], packed[3])

    def test_equal_input_gives_an_equal_source_that_is_not_written_again(self):
        self.write("dist/index.html", b"<p>" * 200)
        self.run_embed()
        os.utime(self.out, (1, 1))
        self.run_embed()
        self.assertEqual(os.stat(self.out).st_mtime, 1)

    def test_an_empty_file_has_size_zero_and_still_compiles(self):
        self.write("dist/index.html", b"")
        source = embed.c_source(self.rows())
        self.assertIn("data_0[] = {\n0,\n};", source)
        self.assertIn("data_0, 0,", source)

    def test_an_unknown_kind_of_file_is_refused(self):
        self.write("dist/index.html", b"x")
        self.write("dist/program.exe", b"x")
        self.assertEqual(self.run_embed(), 1)
        self.assertFalse(os.path.exists(self.out))

    def test_a_symbolic_link_is_refused(self):
        self.write("dist/index.html", b"x")
        os.symlink("/etc/hostname", self.path("dist", "host.txt"))
        self.assertEqual(self.run_embed(), 1)

    def test_a_missing_fallback_page_is_an_error(self):
        os.remove(self.path("fallback.html"))
        self.assertEqual(self.run_embed(), 1)

    def test_quotes_in_a_name_are_escaped_and_other_alphabets_refused(self):
        self.assertEqual(embed.c_string('a"b\\c'), '"a\\"b\\\\c"')
        with self.assertRaises(embed.EmbedError):
            embed.c_string("ä")


if __name__ == "__main__":
    unittest.main()
